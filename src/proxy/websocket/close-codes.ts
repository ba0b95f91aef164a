/** Why a WebSocket ends (RFC 6455, section 7.4.1), and what the binding says of connections that break off. */
import type WebSocket from 'ws'

export const goingAway = 1001
/** Stands for a close frame without a code. Never in one. */
export const noStatus = 1005
/** Stands for an end without a close frame. Never in one. */
export const abnormal = 1006
export const tooBig = 1009
export const tryAgainLater = 1013

/** The reasons that the binding gives with 1006. They are its own, from inside the process. */
export const bindingSays = {
  tooBig: 'Received too big message',
  idle: 'WebSocket timed out from inactivity',
} as const

/** Closes an endpoint's socket as the client's was closed. */
export function closeLike(socket: WebSocket, code: number, reason: Buffer): void {
  try {
    if (code === abnormal) socket.terminate()
    else if (code === noStatus) socket.close()
    else socket.close(code, reason)
  } catch {
    // A code that may not stand in a close frame.
    socket.terminate()
  }
}
