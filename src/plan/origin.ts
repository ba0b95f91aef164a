/** What stands in front of the path in the origin of an endpoint on a Unix socket: `unix:/run/app.sock`. */
export const unixPrefix = 'unix:'

/** The path of a Unix socket; null where the origin is a URL. */
export function socketPath(origin: string): string | null {
  return origin.startsWith(unixPrefix) ? origin.slice(unixPrefix.length) : null
}

/** A URL's host as it is looked up: of an IPv6 address without the brackets. */
export function unbracketed(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '')
}

/** The URL that an HTTP client is made for: a Unix socket has no host, and none is looked up for it. */
export function originUrl(origin: string): string {
  return socketPath(origin) === null ? origin : 'http://localhost'
}
