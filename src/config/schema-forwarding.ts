import { limits } from './limits.ts'
import { networkFault } from './network.ts'
import { flag, list, section, text } from './nodes.ts'

export const network = text({
  expected: 'an address or a network, such as "10.0.0.0/8" or "::1"',
  fault: networkFault,
  maxLength: limits.networkLength,
}).describe('An address, or a network in CIDR form.')

export const trustedProxies = list(network, 'addresses or networks', limits.trustedProxies)
  .default([])
  .describe(
    'Peers that may say who the client is: addresses and networks in CIDR form, "192.0.2.7" or "10.0.0.0/8", at most 1024. ' +
      "Their X-Forwarded-*, Forwarded and X-Request-Id are kept and extended; everybody else's are replaced. Default none. " +
      'Those with an underscore in their names (X_Forwarded_For, which is the same to CGI and WSGI; X_Request_Id with requestId) are ' +
      'dropped, whoever sends them. ' +
      'A proxy that comes by a Unix socket has no address, and is not trusted. ' +
      'Name only what stands in front of Weir: whoever is listed can pretend to be any client.',
  )

export const forwarding = section({
  forwarded: flag()
    .default(false)
    .describe('Send Forwarded (RFC 7239) beside X-Forwarded-*, which is always sent. Default false.'),
  via: flag()
    .default(false)
    .describe('Send "Via: 1.1 weir" to endpoints (RFC 9110, section 7.6.3). Default false.'),
  requestId: flag()
    .default(false)
    .describe(
      'Send X-Request-Id, a new UUID unless a trusted proxy has sent one, and log it. Default false: it is a field like any other.',
    ),
})
  .prefault({})
  .describe('What endpoints are told about where a request comes from, beyond X-Forwarded-*.')
