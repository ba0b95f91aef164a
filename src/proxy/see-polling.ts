import type { HttpResponse } from '../native/uws.ts'

/**
 * A resume brings back what any earlier pause has seen, of whatever connection, and makes the connection deaf if none has seen anything
 * (native-notes/05-pause-and-resume.md). This is a pause to see what the connection is polled for, at once resumed.
 */
export function seePolling(res: Pick<HttpResponse, 'pause' | 'resume'>): void {
  res.pause()
  res.resume()
}
