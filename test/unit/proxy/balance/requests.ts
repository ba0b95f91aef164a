import type { Balanced } from '../../../../src/proxy/balance/policy.ts'

export interface RequestParts {
  readonly address?: string
  readonly target?: string
  readonly host?: string
  readonly headers?: readonly string[]
  readonly scheme?: 'http' | 'https'
  readonly takesPlace?: boolean
}

/** A request as a policy sees it. `headers`: names in lower case and values, alternately. */
export function request(parts: RequestParts = {}): Balanced {
  const {
    address = '192.0.2.1',
    target = '/',
    host = '',
    headers = [],
    scheme = 'http',
    takesPlace = true,
  } = parts
  return { address, head: { target, host, headers, listener: { scheme } }, takesPlace, setCookie: null }
}
