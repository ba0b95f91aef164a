/** undici's `client.request`. Its index adds it to every client; the data plane does without (native/undici.ts). */
import { Client, type Dispatcher } from 'undici'
import type { Client as Bare } from '../../src/native/undici.ts'

export function requestBy(
  client: Bare,
  options: Dispatcher.RequestOptions,
): Promise<Dispatcher.ResponseData<unknown>> {
  return Client.prototype.request.call(client as Client, options)
}
