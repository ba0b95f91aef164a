/** The binding's upgrade of a client, as far as the versions of the binding differ in it. */
import type { HttpResponse } from '../../native/uws.ts'
import { toWritable } from '../headers/bytes.ts'
import type { ResponseBlock } from '../headers/response-block.ts'
import { statusLine } from '../status-line.ts'
import type { Session, SessionHost } from './session.ts'

/** What the binding keeps with a client's socket. */
export interface UserData {
  readonly session: Session
}

/**
 * Answers 101 and makes the response a WebSocket. Its `open` runs before this returns.
 * @param protocol the subprotocol that the endpoint chose, '' if none
 * @param block what else the answer says
 */
export function upgrade(
  res: HttpResponse,
  session: Session,
  key: string,
  protocol: string,
  block: Pick<ResponseBlock, 'name' | 'rest'>,
  context: unknown,
  host: SessionHost,
): void {
  // Ahead of the upgrade, which goes on with the head that has begun: a cork is safe as long as no upgrade is in it.
  if (block.name !== '') {
    res.cork(() => {
      res.writeStatus(statusLine(101)).writeHeader(toWritable(block.name), toWritable(block.rest))
    })
  }
  // '' for extensions: frames are passed on as they are.
  const run = (): void => res.upgrade<UserData>({ session }, key, protocol, '', context as never)
  if (host.context.binding.upgradesInCork) {
    res.cork(run)
    return
  }
  // Without a cork the head goes out in pieces, and the binding complains on standard error. While another socket holds the
  // cork, the response's own does no more than to keep it quiet (native-notes/15-websockets.md).
  const other = host.anyClient()
  if (other === null) run()
  else other.cork(() => res.cork(run))
}
