import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readEndpointUrl } from '../../../src/config/endpoint-url.ts'

const origins: [url: string, origin: string][] = [
  ['http://127.0.0.1:9001', 'http://127.0.0.1:9001'],
  ['http://127.0.0.1:9001/', 'http://127.0.0.1:9001'],
  ['http://App.Internal', 'http://app.internal'],
  ['http://app:80', 'http://app'],
  ['http://app:1', 'http://app:1'],
  ['http://app:65535', 'http://app:65535'],
  ['http://app:08080', 'http://app:8080'],
  ['http://my_service:3000', 'http://my_service:3000'],
  ['http://[::1]:9001', 'http://[::1]:9001'],
  ['http://[0:0:0:0:0:0:0:1]', 'http://[::1]'],
  ['https://App.Internal:443', 'https://app.internal'],
  ['unix:/run/app.sock', 'unix:/run/app.sock'],
  ['unix:/Run/a?b#c%2f', 'unix:/Run/a?b#c%2f'],
  [`unix:/${'a'.repeat(106)}`, `unix:/${'a'.repeat(106)}`],
]

for (const [url, origin] of origins) {
  test(`endpoint ${url} has the origin ${origin}`, () => {
    assert.deepEqual(readEndpointUrl(url), { origin, fault: null })
  })
}

const faults: [url: string, hint: RegExp][] = [
  ['127.0.0.1:9001', /write "http:\/\/127\.0\.0\.1:9001"/],
  ['localhost:9001', /write "http:\/\/localhost:9001"/],
  ['app', /write "http:\/\/app"/],
  ['', /begin it with "http:\/\/"/],
  ['//app', /begin it with "http:\/\/"/],
  ['http:app', /begin it with "http:\/\/"/],
  ['HTTP://app', /the scheme is "http", "https" or "unix", not "HTTP"/],
  ['ftp://app', /the scheme is "http", "https" or "unix", not "ftp"/],
  ['unix:///run/app.sock', /one slash .* write "unix:\/run\/app\.sock"/],
  ['/run/app.sock', /write "unix:\/run\/app\.sock"/],
  ['unix:', /the absolute path of a socket/],
  ['unix:/', /the absolute path of a socket/],
  ['unix:run/app.sock', /the absolute path of a socket/],
  ['unix:/run/', /the absolute path of a socket/],
  [`unix:/${'a'.repeat(107)}`, /at most 107 characters, not 108/],
  ['unix:/run/my app.sock', /no spaces/],
  ['http://app/api', /no path/],
  ['http://app//', /no path/],
  ['http://app/?', /no query/],
  ['http://app?x=1', /no query/],
  ['http://app#', /no fragment/],
  ['http://app/#top', /no fragment/],
  ['http://user:secret@app', /no user name or password/],
  ['http://@app', /no user name or password/],
  ['http://app:0', /a port is a number from 1 to 65535/],
  ['http://app:', /a port is a number from 1 to 65535/],
  ['http://app:65536', /a port is a number from 1 to 65535/],
  ['http://app:99999999999', /a port is a number from 1 to 65535/],
  ['http://app:http', /neither a name nor an address/],
  ['http://app:-1', /neither a name nor an address/],
  ['http://', /neither a name nor an address/],
  ['http://:80', /neither a name nor an address/],
  ['http://*.app', /neither a name nor an address/],
  ['http://256.1.1.1', /neither a name nor an address/],
  ['http://[::1', /neither a name nor an address/],
  [' http://app', /no spaces/],
  ['http://app ', /no spaces/],
  ['http://a\tpp', /no spaces/],
  ['http://app\r\nX: y', /no spaces/],
  ['http://app\u0000', /no spaces/],
  ['http://bücher', /"xn--" form/],
  ['http:\\\\app', /backslashes/],
]

for (const [url, hint] of faults) {
  test(`endpoint ${JSON.stringify(url)} is refused with what to change`, () => {
    assert.match(readEndpointUrl(url).fault ?? 'no fault', hint)
  })
}
