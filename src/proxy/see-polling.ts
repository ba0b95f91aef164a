import type { HttpResponse } from '../native/uws.ts'

/**
 * The binding's `pause` keeps what the socket is polled for in a static variable that all sockets share (there are two: for sockets with something
 * in their user-space buffer, and for those without), and `resume` polls for what stands there; if nothing does, the socket is polled for nothing
 * any more (native-notes/05-pause-and-resume.md). Pausing and resuming a socket once leaves something valid there.
 */
export function seePolling(res: Pick<HttpResponse, 'pause' | 'resume'>): void {
  res.pause()
  res.resume()
}
