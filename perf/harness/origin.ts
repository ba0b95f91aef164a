/**
 * An origin that costs as little as one can: every request gets the same short answer. A process of its own:
 *
 *     node perf/harness/origin.ts --bytes 100
 *
 * prints one line, `{"port":40123}`, and ends when its standard input does, so that it cannot outlive who started it.
 */
import { parseArgs } from 'node:util'
import { loadBinding } from '../../src/native/uws.ts'

const { values } = parseArgs({
  options: { bytes: { type: 'string', default: '100' }, port: { type: 'string', default: '0' } },
})
const bytes = wholeNumber('bytes', 1, 64 * 1024 * 1024)
const port = wholeNumber('port', 0, 65_535)

const line = 'The quick brown fox jumps over the lazy dog.\n'
// A Buffer: a string would be encoded again for each answer.
const body = Buffer.from(line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes))

const { uws } = loadBinding()
uws
  .App()
  .any('/*', (res) => {
    res.writeHeader('Content-Type', 'text/plain').end(body)
  })
  .listen('127.0.0.1', port, (socket) => {
    if (socket === false) {
      console.error(`the origin cannot listen on 127.0.0.1:${port}`)
      process.exit(1)
    }
    console.log(JSON.stringify({ port: uws.us_socket_local_port(socket) }))
  })

process.stdin.on('end', () => process.exit(0)).resume()

function wholeNumber(name: 'bytes' | 'port', least: number, most: number): number {
  const value = Number(values[name])
  if (Number.isInteger(value) && value >= least && value <= most) return value
  console.error(`--${name}: expected a whole number from ${least} to ${most}, found "${values[name]}"`)
  process.exit(2)
}
