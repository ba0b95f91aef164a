import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import fs, { copyFileSync, rmSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { basename } from 'node:path'
import { type TestContext, test } from 'node:test'
import { loadConfig, readConfig } from '../../../src/config/load.ts'
import { Certificates, pem } from '../../support/certificates.ts'
import { accepted, configWith, refused } from './read.ts'

function setUp(t: TestContext) {
  const made = new Certificates(t)
  const own = made.selfSigned('own', 'own.test')
  const other = made.selfSigned('other', 'other.test')
  const read = (tls: object, more: object = {}) =>
    readConfig(JSON.stringify(configWith({ listen: { port: 1, tls, ...more } })), made.directory)
  return { made, own, other, read }
}

/** Path and what was found of each problem. */
function told(result: ReturnType<typeof readConfig>): string[] {
  return refused(result).map(({ path, found, hint }) => `${path}: ${found} (${hint ?? ''})`)
}

test('paths relative to the configuration_absolute in the plan, names in lower case', (t) => {
  const { made, own, other } = setUp(t)
  const certificates = [{ serverNames: ['A.test'], cert: 'other.pem', key: 'other.key' }]
  const tls = { cert: 'own.pem', key: 'own.key', certificates }
  const file = made.path('config.json')
  writeFileSync(file, JSON.stringify(configWith({ listen: { port: 1, tls } })))
  const plan = accepted(loadConfig(file)).listeners[0]?.tls
  const pairs = plan?.certificates.map(({ certFile, keyFile, serverNames }) => [
    certFile,
    keyFile,
    ...serverNames,
  ])
  assert.deepEqual(pairs, [
    [own.cert, own.key],
    [other.cert, other.key, 'a.test'],
  ])
  assert.deepEqual([plan?.minVersion, plan?.clientCaFile], ['1.2', null])
})

test('a file changes_another hash; none changes: the same', (t) => {
  const { made, own, read } = setUp(t)
  const hash = () => accepted(read(own)).listeners[0]?.tls?.contentHash
  const before = hash()
  assert.equal(hash(), before)
  made.selfSigned('own', 'own.test')
  assert.notEqual(hash(), before)
})

test('files that are not there_each named', (t) => {
  const { read } = setUp(t)
  const problems = told(read({ cert: 'no.pem', key: 'no.key', clientCa: 'no-ca.pem' }))
  assert.deepEqual(
    problems.map((problem) => problem.split(':')[0]),
    ['listen.tls.cert', 'listen.tls.key', 'listen.tls.clientCa'],
  )
  assert.match(`${problems[0]}`, /no file ".*no.pem"/)
})

test('key of another certificate_said, also in an array and of a further certificate', (t) => {
  const { own, other } = setUp(t)
  const mixed = { cert: own.cert, key: other.key }
  const certificates = [{ serverNames: ['a.test'], ...mixed }]
  const listen = [{ port: 1 }, { port: 2, tls: { ...own, certificates } }, { port: 3, tls: mixed }]
  assert.deepEqual(
    refused(readConfig(JSON.stringify(configWith({ listen })))).map(({ path }) => path),
    ['listen[1].tls.certificates[0].key', 'listen[2].tls.key'],
  )
})

test('not PEM, swapped, or a broken certificate_said', (t) => {
  const { made, own, read } = setUp(t)
  writeFileSync(made.path('text.pem'), 'hello')
  writeFileSync(made.path('broken.pem'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
  assert.match(
    told(read({ cert: 'text.pem', key: own.key })).join(),
    /^listen\.tls\.cert: .*without -----BEGIN/,
  )
  assert.match(told(read({ cert: 'broken.pem', key: own.key })).join(), /^listen\.tls\.cert: certificate 1 /)
  assert.match(told(read({ cert: own.key, key: own.cert })).join('\n'), /listen\.tls\.key: .*swapped/)
})

test('encrypted key_needs the right passphrase', (t) => {
  const { made, own, read } = setUp(t)
  const key = basename(made.encrypted(own, 'own', 'open sesame'))
  accepted(read({ cert: own.cert, key, passphrase: 'open sesame' }))
  assert.match(told(read({ cert: own.cert, key })).join(), /^listen\.tls\.key: an encrypted key/)
  assert.match(told(read({ cert: own.cert, key, passphrase: 'no' })).join(), /^listen\.tls\.passphrase: /)
})

test('encrypted key_a wrong passphrase is said to be one, also where OpenSSL says that there is no key', (t) => {
  const { made, own, read } = setUp(t)
  const file = made.encrypted(own, 'own', 'open sesame')
  const text = pem(file)
  // What a wrong one makes of the file ends like something that was encrypted in one of 256 cases.
  const misleading = (passphrase: string): boolean => {
    try {
      createPrivateKey({ key: text, passphrase })
      return false
    } catch (error) {
      return !/decrypt/i.test((error as Error).message)
    }
  }
  let passphrase = ''
  for (let number = 0; number < 5_000 && passphrase === ''; number++) {
    if (misleading(`wrong ${number}`)) passphrase = `wrong ${number}`
  }
  assert.notEqual(passphrase, '')
  assert.match(
    told(read({ cert: own.cert, key: basename(file), passphrase })).join(),
    /^listen\.tls\.passphrase: /,
  )
})

test('EC key on a curve that the binding does not know_said, of a further certificate as well', (t) => {
  const { made, own, read } = setUp(t)
  const koblitz = made.selfSigned('koblitz', 'koblitz.test', 'secp256k1')
  const found = 'one on secp256k1 ()'
  assert.deepEqual(told(read(koblitz)), [`listen.tls.key: ${found}`])
  const certificates = [{ serverNames: ['koblitz.test'], ...koblitz }]
  assert.deepEqual(told(read({ ...own, certificates })), [`listen.tls.certificates[0].key: ${found}`])
  for (const curve of ['P-224', 'P-256', 'P-384', 'P-521'])
    accepted(read(made.selfSigned(curve, 'nist.test', curve)))
})

test('a name of two certificates_said', (t) => {
  const { own, other, read } = setUp(t)
  const certificates = [
    { serverNames: ['a.test'], ...own },
    { serverNames: ['b.test', 'A.test'], ...other },
  ]
  assert.match(
    told(read({ ...own, certificates })).join(),
    /^listen\.tls\.certificates\[1\]\.serverNames\[1\]: /,
  )
})

test('an address among the names of a certificate_said', (t) => {
  const { own, read } = setUp(t)
  const certificates = [{ serverNames: ['a.test', '10.0.0.1'], ...own }]
  assert.match(
    told(read({ ...own, certificates })).join(),
    /^listen\.tls\.certificates\[0\]\.serverNames\[1\]: /,
  )
})

test('redirectToHttps_443 or a port; not beside tls', (t) => {
  const { own, read } = setUp(t)
  const redirect = (redirectToHttps: unknown) =>
    accepted(readConfig(JSON.stringify(configWith({ listen: { port: 1, redirectToHttps } })))).listeners
  assert.equal(redirect(true)[0]?.redirectPort, 443)
  assert.equal(redirect(8443)[0]?.redirectPort, 8443)
  assert.match(told(read(own, { redirectToHttps: true })).join(), /^listen\.redirectToHttps: /)
})

test('directory in the place of a file_said', (t) => {
  const { made, own, read } = setUp(t)
  copyFileSync(own.key, made.path('k'))
  assert.match(told(read({ cert: '.', key: 'k' })).join(), /^listen\.tls\.cert: EISDIR/)
})

test('file that goes while it is read_one problem, and no exception', (t) => {
  const { own, read } = setUp(t)
  const real = fs.readFileSync
  let reads = 0
  const reading = t.mock.method(fs, 'readFileSync', (...args: Parameters<typeof real>) => {
    // The first time it is looked at, the second time it is taken into the plan.
    if (args[0] === own.key && ++reads === 2) rmSync(own.key)
    return real(...args)
  })
  syncBuiltinESMExports()
  t.after(() => {
    reading.mock.restore()
    syncBuiltinESMExports()
  })
  const [problem, ...others] = refused(read(own))
  assert.deepEqual([problem?.path, others], ['', []])
  assert.match(`${problem?.found}`, /ENOENT.*own\.key/)
})
