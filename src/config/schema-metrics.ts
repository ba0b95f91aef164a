/** Where metrics are served. */
import { z } from 'zod'
import { listenHostFault } from './host.ts'
import { limits } from './limits.ts'
import { integer, section, text } from './nodes.ts'

const port = integer(limits.listenPort).describe(
  'A TCP port of its own, 1 to 65535. 0: any free port, which a log line names.',
)

/** In its long form. */
export const metricsSettings = section({
  host: text({
    expected: 'an address or a host name, such as "127.0.0.1"',
    fault: listenHostFault,
    maxLength: limits.hostLength,
  })
    .default('127.0.0.1')
    .describe(
      'The address to listen on, or a name that resolves to one. Default "127.0.0.1", this machine only: whoever can connect reads the names ' +
        'of upstreams and the addresses of endpoints.',
    ),
  port,
}).describe('An address and a port.')

export const metrics = z
  .union([port, metricsSettings], {
    error: 'a port from 0 to 65535, or an object such as {"host":"127.0.0.1","port":9464}',
  })
  .optional()
  .describe(
    'Where "GET /metrics" tells the statistics of all workers in the text format of Prometheus: a port on 127.0.0.1, or an object with "host" and ' +
      '"port". Plain HTTP, served by the control process. Default: nowhere.',
  )
