/**
 * An origin that costs as little as one can: every request gets the same answer, or one that was ready before. A process of its own:
 *
 *     node perf/harness/origin.ts --bytes 100
 *     node perf/harness/origin.ts --bytes 400 --varied 4000     (varied.ts)
 *
 * prints one line, `{"port":40123}`, and ends when its standard input does, so that it cannot outlive who started it.
 */
import { parseArgs } from 'node:util'
import { type HttpRequest, type HttpResponse, loadBinding } from '../../src/native/uws.ts'
import { payload } from './payload.ts'
import { numberOf, variedAnswers } from './varied.ts'

const { values } = parseArgs({
  options: {
    bytes: { type: 'string', default: '100' },
    varied: { type: 'string', default: '0' },
    port: { type: 'string', default: '0' },
    websocket: { type: 'boolean', default: false },
    close: { type: 'boolean', default: false },
  },
})
const bytes = wholeNumber('bytes', 1, 64 * 1024 * 1024)
const port = wholeNumber('port', 0, 65_535)
// A Buffer: a string would be encoded again for each answer.
const body = Buffer.from(payload(bytes))
const answers = prepared(wholeNumber('varied', 0, 100_000))
/** What surely fits beside a head into the buffer that the binding gathers an answer in. */
const onePieceBytes = 8 * 1024

const { uws } = loadBinding()
const app = uws.App()
if (values.websocket) {
  app.ws('/*', {
    maxPayloadLength: 1024 * 1024,
    maxBackpressure: 16 * 1024 * 1024,
    message: (socket, message, isBinary) => void socket.send(message, isBinary),
  })
}
app
  .post('/*', (res, req) => {
    let gone = false
    // Nothing can be read of a request later.
    const number = answerFor(req)
    res.onAborted(() => {
      gone = true
    })
    // All of an upload is read before the answer: whoever answers early measures a discarded body.
    res.onData((_chunk, last) => {
      if (last && !gone) res.cork(() => answer(res, number))
    })
  })
  .any('/*', (res, req) => answer(res, answerFor(req)))
  .listen('127.0.0.1', port, (socket) => {
    if (socket === false) {
      console.error(`the origin cannot listen on 127.0.0.1:${port}`)
      process.exit(1)
    }
    console.log(JSON.stringify({ port: uws.us_socket_local_port(socket) }))
  })

process.stdin.on('end', () => process.exit(0)).resume()

interface Prepared {
  /** The value of its first field, and behind it the others: one call in the place of several. */
  readonly first: string
  readonly rest: Buffer
  readonly body: Buffer
}

function prepared(varied: number): readonly Prepared[] {
  return varied === 0
    ? []
    : variedAnswers({ bytes, varied }).map(({ headers, body }) => {
        const [[first, value], ...others] = Object.entries(headers) as [
          [string, string],
          ...[string, string][],
        ]
        const rest = [value, ...others.map(([name, text]) => `${name}: ${text}`)].join('\r\n')
        return { first, rest: Buffer.from(rest), body: Buffer.from(body) }
      })
}

/** Among those that differ; -1: there is one only. */
function answerFor(req: HttpRequest): number {
  return answers.length === 0 ? -1 : numberOf(req.getUrl()) % answers.length
}

function answer(res: HttpResponse, number: number): void {
  res.writeHeader('Content-Type', 'text/plain')
  const one = answers[number]
  if (one !== undefined) res.writeHeader(one.first, one.rest).end(one.body, values.close)
  else if (bytes <= onePieceBytes) res.end(body, values.close)
  else stream(res)
}

/** A long answer as the kernel takes it: one `end` of it all would lose bytes where the kernel takes a part only. */
function stream(res: HttpResponse): void {
  let gone = false
  const more = (offset: number) => gone || res.tryEnd(body.subarray(offset), bytes)[0]
  res.onAborted(() => {
    gone = true
  })
  res.onWritable(more)
  more(0)
}

function wholeNumber(name: 'bytes' | 'port' | 'varied', least: number, most: number): number {
  const value = Number(values[name])
  if (Number.isInteger(value) && value >= least && value <= most) return value
  console.error(`--${name}: expected a whole number from ${least} to ${most}, found "${values[name]}"`)
  process.exit(2)
}
