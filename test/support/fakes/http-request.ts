import type { HttpRequest } from '../../../src/native/uws.ts'

export interface FakeRequestOptions {
  /** GET by default. */
  readonly method?: string
  /** `/` by default; the query stands behind the first `?`. */
  readonly target?: string
  /** As on the wire: text as UTF-8, a buffer as it is. `host: test` is put in front unless a host is among them. */
  readonly headers?: readonly (readonly [name: string, value: string | Buffer])[]
}

/** The request object of uWebSockets.js: names in lower case, no query where there is no `?`, dead after the handler. */
export class FakeRequest {
  readonly #method: string
  readonly #target: string
  readonly #headers: readonly (readonly [name: string, value: Buffer])[]
  #alive = true

  constructor({ method = 'GET', target = '/', headers = [] }: FakeRequestOptions = {}) {
    this.#method = method
    this.#target = target
    const own = headers.map(([name, value]) => [name.toLowerCase(), Buffer.from(value as string)] as const)
    this.#headers = own.some(([name]) => name === 'host') ? own : [['host', Buffer.from('test')], ...own]
  }

  get native(): HttpRequest {
    return this as unknown as HttpRequest
  }

  /** The handler has returned. */
  die(): void {
    this.#alive = false
  }

  getMethod(): string {
    return this.#read(this.#method.toLowerCase())
  }

  getCaseSensitiveMethod(): string {
    return this.#read(this.#method)
  }

  getUrl(): string {
    return this.#read(this.#target.split('?', 1)[0] as string)
  }

  getQuery(): string | undefined {
    const at = this.#target.indexOf('?')
    return this.#read(at === -1 ? undefined : this.#target.slice(at + 1))
  }

  /** One character for each byte, unlike `forEach`. */
  getHeader(name: string | ArrayBuffer): string {
    const wanted = typeof name === 'string' ? name : Buffer.from(name).latin1Slice()
    return this.#read(this.#headers.find(([each]) => each === wanted)?.[1].latin1Slice() ?? '')
  }

  forEach(visit: (name: string, value: string) => void): void {
    this.#read(null)
    for (const [name, value] of this.#headers) visit(name, value.toString('utf8'))
  }

  #read<T>(value: T): T {
    if (!this.#alive) throw new Error('uWS.HttpRequest must not be accessed after its handler has returned')
    return value
  }
}
