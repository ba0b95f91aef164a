/** A load's requests as they are sent, for generators that are given bytes. */
import { payload } from './payload.ts'
import type { Load } from './scenario.ts'
import { variedRequests } from './varied.ts'

/** @param host of the request, with its port @returns the one that is sent over and over, or those that differ in their order */
export function asSent(load: Load, host: string): readonly string[] {
  const body = payload(load.bodyBytes)
  const requests = load.varied === undefined ? [load] : variedRequests(load)
  return requests.map(({ path, headers }) =>
    [
      `${load.method} ${path} HTTP/1.1`,
      `Host: ${host}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      ...(body === '' ? [] : [`Content-Length: ${body.length}`]),
      '',
      body,
    ].join('\r\n'),
  )
}

/** Each behind a line with its length in bytes. */
export function requestsFile(requests: readonly string[]): string {
  return requests.map((request) => `${request.length}\n${request}`).join('')
}
