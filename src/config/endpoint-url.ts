import { isIP } from 'node:net'
import { isHostName } from './host.ts'

export type EndpointUrl = { readonly origin: string; readonly fault: null } | { readonly fault: string }

/**
 * Reads `http://host[:port]` or `https://host[:port]`, with nothing behind it but an optional `/`. `origin` is the normal form that undici
 * and the plan use: lower case, the default port left out. `fault` says what to change.
 */
export function readEndpointUrl(text: string): EndpointUrl {
  if (/[^\x21-\x7e]/.test(text) || text.includes('\\')) {
    return {
      fault:
        'no spaces, backslashes or characters outside ASCII (a name in another script has an "xn--" form)',
    }
  }
  if (!/^https?:\/\//.test(text)) return { fault: withoutScheme(text) }

  const [, authority = '', tail = ''] = /^https?:\/\/([^/?#]*)(.*)$/.exec(text) ?? []
  if (tail !== '' && tail !== '/') return { fault: tailFault(tail) }
  if (authority.includes('@'))
    return { fault: 'no user name or password: clients send their own credentials' }
  const port = /:(\d*)$/.exec(authority)?.[1]
  if (port !== undefined && !(Number(port) >= 1 && Number(port) <= 65_535)) {
    return { fault: 'a port is a number from 1 to 65535' }
  }
  if (!URL.canParse(text)) return { fault: 'the host is neither a name nor an address' }
  const url = new URL(text)
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
  if (isIP(host) === 0 && !isHostName(host)) return { fault: 'the host is neither a name nor an address' }
  return { origin: url.origin, fault: null }
}

function withoutScheme(text: string): string {
  const other = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]
  if (other !== undefined) return `the scheme is "http" or "https", not ${JSON.stringify(other)}`
  const prefixed = `http://${text}`
  return readEndpointUrl(prefixed).fault === null
    ? `write ${JSON.stringify(prefixed)}`
    : 'begin it with "http://" or "https://"'
}

function tailFault(tail: string): string {
  if (tail.startsWith('#') || tail.startsWith('/#')) return 'no fragment: it is never sent'
  if (tail.startsWith('?') || tail.startsWith('/?')) return "no query: a request's own is sent"
  return "no path: a request's own is sent, unchanged"
}
