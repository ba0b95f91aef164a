import { listenHostFault } from './host.ts'
import { limits } from './limits.ts'
import { flag, section, text } from './nodes.ts'

const file = (what: string) =>
  text({
    expected: 'the path of a file in PEM',
    fault: (path) => (path === '' ? 'a path, absolute or relative to the configuration file' : null),
    maxLength: limits.pathLength,
  })
    .optional()
    .describe(`${what} A PEM file, relative to the configuration file's folder; read again at a reload.`)

export const upstreamTls = section({
  ca: file("Authorities that endpoints' certificates are verified by, in place of those that Node ships."),
  cert: file('A client certificate to show to endpoints that ask for one; with "key".'),
  key: file('The private key of "cert".'),
  passphrase: text({ expected: 'a text', maxLength: 1024 }).optional().describe('Opens an encrypted "key".'),
  servername: text({
    expected: 'the name of a server',
    fault: (name) => (name === '' ? 'a host name' : listenHostFault(name)),
    maxLength: limits.hostLength,
  })
    .optional()
    .describe(
      "The name that is asked for (SNI) and that the certificate must have. Default: the host of the endpoint's URL. Never " +
        "the client's Host.",
    ),
  verify: flag()
    .default(true)
    .describe(
      'Refuse endpoints whose certificate is not valid. Default true; with false, connections are encrypted to anybody who answers.',
    ),
}).describe(
  'How https endpoints are connected to. Without it they are verified by the authorities that Node ships.',
)
