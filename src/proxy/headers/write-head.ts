/** The head of an endpoint's response as it goes to the client, but for what the binding adds. */
import type { HttpResponse } from '../../native/uws.ts'
import { behindContinue, statusLine } from '../status-line.ts'
import { toWritable } from './bytes.ts'
import type { ResponseBlock } from './response-block.ts'

/** Interim responses, status and fields. In a cork. */
export function writeHead(res: HttpResponse, status: number, { interim, name, rest }: ResponseBlock): void {
  if (interim !== '') res.writeStatus(toWritable(interim + statusLine(status)))
  else if (status !== 200) res.writeStatus(statusLine(status))
  if (name !== '') res.writeHeader(toWritable(name), toWritable(rest))
}

/** The same behind `writeContinue`: the status goes with the first field; where there is none, with one that says what holds anyway. */
export function writeHeadBehindContinue(
  res: HttpResponse,
  status: number,
  { interim, name, rest }: ResponseBlock,
  close: boolean,
): void {
  const line = interim + statusLine(status)
  if (name !== '') res.writeHeader(toWritable(behindContinue(line, name)), toWritable(rest))
  else res.writeHeader(toWritable(behindContinue(line, 'connection')), close ? 'close' : 'keep-alive')
}
