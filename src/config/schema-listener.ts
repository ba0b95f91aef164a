/** What a listener may be: an address and a port, with or without TLS. */
import { resolve } from 'node:path'
import { z } from 'zod'
import { listenHostFault, serverNameFault } from './host.ts'
import { limits } from './limits.ts'
import { choice, integer, list, section, text } from './nodes.ts'
import { type Finding, type Path, show } from './problem.ts'
import { network } from './schema-forwarding.ts'

export const listenPort = integer(limits.listenPort).describe(
  'A TCP port, 1 to 65535; in an object the default is 8080. 0: any free port, the same for all workers; a log line names it. Ports below 1024 need a privilege.',
)

function pemFile(what: string) {
  return text({
    expected: `the path of ${what} in PEM`,
    fault: (path) => (path === '' || path.includes('\0') ? 'relative to the folder of this file' : null),
    maxLength: limits.filePathLength,
  })
}

const cert = pemFile('a certificate').describe(
  "The certificate in PEM, the server's own first, then the intermediates. A path, relative to this file's folder; read again at each reload.",
)
const key = pemFile('a private key').describe(
  'The private key of the certificate in PEM (RSA, EC or Ed25519). Keep the file readable for this user alone.',
)
const passphrase = text({ expected: 'a passphrase', maxLength: limits.passphraseLength })
  .optional()
  .describe('Of the private key, if it is encrypted. Whoever can read this file can then read the key.')

const serverName = text({
  expected: 'a host name such as "example.com" or "*.example.com"',
  fault: serverNameFault,
  maxLength: limits.hostLength,
}).describe('A host name, or "*." and a name for every name one label below it.')

const certificate = section({
  serverNames: list(serverName, 'server names', limits.serverNames).describe(
    'The names (SNI) for which clients get this certificate: exact, or "*." and a name for one more label. 1 to 100.',
  ),
  cert,
  key,
  passphrase,
}).describe('A further certificate, for some names.')

/** What `tls` of a listener may be. */
export const listenerTls = section({
  cert,
  key,
  passphrase,
  certificates: list(certificate, 'certificates', limits.certificates)
    .default([])
    .describe(
      'Further certificates, chosen by the name that the client asks for (SNI). Clients that ask for another name, or none, get "cert". At most 100.',
    ),
  minVersion: choice(['1.2', '1.3'])
    .default('1.2')
    .describe('The lowest TLS version that is accepted. Default "1.2"; older ones never are.'),
  clientCa: pemFile('certificates of authorities')
    .optional()
    .describe(
      'Client certificates become mandatory: signed by one of the authorities in this PEM file. Any other fails the handshake; a request without one is answered 400, and its connection closes.',
    ),
}).describe('TLS for this listener. HTTP/1.1 only: there is no HTTP/2.')

/** A listener in its long form. */
export const listener = section({
  host: text({
    expected: 'an address or a host name, such as "0.0.0.0" or "127.0.0.1"',
    fault: listenHostFault,
    maxLength: limits.hostLength,
  })
    .default('0.0.0.0')
    .describe(
      'The address to listen on, or a name that resolves to one. Default "0.0.0.0", every IPv4 interface: whoever reaches ' +
        'this machine can connect. "127.0.0.1": this machine only. "::": every IPv6 interface.',
    ),
  port: listenPort.default(8080),
  unix: text({
    expected: 'the path of a Unix socket, such as "/run/weir.sock"',
    fault: (path) => (path === '' || path.includes('\0') ? 'relative to the folder of this file' : null),
    maxLength: limits.unixPathLength,
  })
    .optional()
    .describe(
      "A Unix socket in place of host and port. A path relative to this file's folder, with that at most 107 bytes. The first worker alone listens there.",
    ),
  mode: text({
    expected: 'permissions in octal, such as "0660"',
    fault: (mode) => (/^0[0-7]{3}$/.test(mode) ? null : 'four octal digits, the first 0, in quotes'),
    maxLength: 4,
    pattern: '^0[0-7]{3}$',
  })
    .optional()
    .describe('Permissions of the Unix socket, in octal. Without it "0600": the user that Weir runs as.'),
  proxyProtocol: section({
    from: list(network, 'addresses or networks', limits.proxyProtocolPeers).describe(
      'Peers whose header is believed: addresses and networks, "192.0.2.7" or "10.0.0.0/8". 1 to 1024.',
    ),
  })
    .optional()
    .describe(
      "Take the client's address from the PROXY protocol, version 2, if the peer is one of those listed; what others " +
        'send is ignored. Without TLVs; with "tls" the header is expected inside of TLS. Name only what stands in front of Weir. Not beside ' +
        '"unix", where peers have no address.',
    ),
  tls: listenerTls.optional(),
  redirectToHttps: z
    .union(
      [
        z.literal(true).describe('The same URL at port 443.'),
        integer(limits.redirectPort).describe('To this port, 1 to 65535.'),
      ],
      { error: 'true, or a port from 1 to 65535' },
    )
    .optional()
    .describe(
      'Answer every request with 308 and the same URL under https, on port 443 (true) or another. No route is looked at.',
    ),
}).describe('A listener: the address and port where clients connect.')

export type ListenerConfig = z.output<typeof listener>

const unixPrefix = 'unix:'

/** `"unix:/path"`, short for a listener with `unix`. */
export const listenUnix = z
  .string({ error: '"unix:" and the path of a Unix socket' })
  .max(limits.unixPathLength + unixPrefix.length)
  .check(({ value, issues }) => {
    if (value.startsWith(unixPrefix) && value.length > unixPrefix.length) return
    // As of another kind: a port in quotes is no Unix socket that was misspelled.
    issues.push({ code: 'invalid_value', values: [], input: value, message: '"unix:" and a path' })
  })
  .meta({ pattern: '^unix:.' })
  .describe('A Unix socket: "unix:/run/weir.sock".')

/** A listener's short form written out; any other value as it is. */
export function longListener(form: unknown): unknown {
  if (typeof form === 'number') return { port: form }
  return typeof form === 'string' ? { unix: form.slice(unixPrefix.length) } : form
}

/**
 * `unix` stands in place of host and port, without `proxyProtocol`, and `mode` beside it only; its path must be short enough for the kernel.
 * @param directory where a relative path begins
 */
export function unixFindings(input: unknown, directory: string): Finding[] {
  const listen = (input as { listen?: unknown } | null)?.listen
  const forms: readonly unknown[] = Array.isArray(listen) ? listen : [listen]
  return forms.flatMap((form, index): Finding[] => {
    const base: Path = Array.isArray(listen) ? ['listen', index] : ['listen']
    if (typeof form === 'string') {
      return form.startsWith(unixPrefix) ? tooLong(form.slice(unixPrefix.length), base, directory) : []
    }
    if (typeof form !== 'object' || form === null) return []
    const settings = form as Record<string, unknown>
    const apart = Object.entries(Object.hasOwn(form, 'unix') ? besideUnix : besidePort)
    return [
      ...apart
        .filter(([key]) => Object.hasOwn(form, key))
        .map(([key, expected]) => ({
          path: [...base, key],
          expected,
          found: show(settings[key]),
          hint: null,
        })),
      ...(typeof settings.unix === 'string' ? tooLong(settings.unix, [...base, 'unix'], directory) : []),
    ]
  })
}

const unixAlone = 'unix alone, without host and port'
/** What may not stand beside `unix`, and what is expected instead. */
const besideUnix: Readonly<Record<string, string>> = {
  host: unixAlone,
  port: unixAlone,
  proxyProtocol: 'no proxyProtocol beside unix: its peers have no address to be listed by',
}
/** Where there is no `unix`. */
const besidePort: Readonly<Record<string, string>> = { mode: 'mode beside unix only' }

function tooLong(path: string, at: Path, directory: string): Finding[] {
  const absolute = resolve(directory, path)
  const bytes = Buffer.byteLength(absolute)
  if (bytes <= limits.unixPathLength) return []
  const expected = `a path of at most ${limits.unixPathLength} bytes, with the folder that it is relative to`
  const hint = 'the kernel takes no longer one; for example "/run/weir.sock"'
  return [{ path: at, expected, found: `${bytes} bytes: ${show(absolute)}`, hint }]
}
