import { isIP } from 'node:net'
import { socketPath } from '../plan/origin.ts'
import { isHostName } from './host.ts'
import { limits } from './limits.ts'

export type EndpointUrl = { readonly origin: string; readonly fault: null } | { readonly fault: string }

/**
 * Reads `http://host[:port]` or `https://host[:port]`, with nothing behind it but an optional `/`, or `unix:` and an
 * absolute path. `origin` is the form that the plan uses: of a URL the normal one (lower case, the default port left
 * out), of a Unix socket the text. `fault` says what to change.
 */
export function readEndpointUrl(text: string): EndpointUrl {
  if (/[^\x21-\x7e]/.test(text) || text.includes('\\')) {
    return {
      fault:
        'no spaces, backslashes or characters outside ASCII (a name in another script has an "xn--" form)',
    }
  }
  const path = socketPath(text)
  if (path !== null) {
    const fault = unixFault(path)
    return fault === null ? { origin: text, fault } : { fault }
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

/** Relative paths would begin at the configuration's folder, where no server keeps its socket. */
function unixFault(path: string): string | null {
  const [, spare = ''] = /^\/(\/+)/.exec(path) ?? []
  if (spare !== '')
    return `one slash behind "unix:": write ${JSON.stringify(`unix:${path.slice(spare.length)}`)}`
  if (!path.startsWith('/') || path.endsWith('/')) {
    return 'the absolute path of a socket behind "unix:", such as "unix:/run/app.sock"'
  }
  if (path.length > limits.unixPathLength) {
    return `a path of at most ${limits.unixPathLength} characters, not ${path.length}: the kernel takes no longer one`
  }
  return null
}

function withoutScheme(text: string): string {
  const other = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]
  if (other !== undefined) return `the scheme is "http", "https" or "unix", not ${JSON.stringify(other)}`
  const prefixed = `http://${text}`
  if (text.startsWith('/') && unixFault(text) === null) return `write ${JSON.stringify(`unix:${text}`)}`
  return readEndpointUrl(prefixed).fault === null
    ? `write ${JSON.stringify(prefixed)}`
    : 'begin it with "http://", "https://" or "unix:/"'
}

function tailFault(tail: string): string {
  if (tail.startsWith('#') || tail.startsWith('/#')) return 'no fragment: it is never sent'
  if (tail.startsWith('?') || tail.startsWith('/?')) return "no query: a request's own is sent"
  return "no path: a request's own is sent, unchanged"
}
