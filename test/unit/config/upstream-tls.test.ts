/** The files that an upstream's `tls` names. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { readConfig } from '../../../src/config/load.ts'
import { Certificates, pem } from '../../support/certificates.ts'
import { accepted, onlyProblem, upstreamWith } from './read.ts'

const https = (tls: object) => upstreamWith({ endpoints: ['https://app.internal'], tls })

test('files of an upstream’s TLS_are in the plan, relative to the folder, and verified by default', (t) => {
  const files = new Certificates(t)
  const { cert, key } = files.selfSigned('client', 'weir')
  const config = JSON.stringify(https({ ca: 'client.pem', cert: 'client.pem', key: 'client.key' }))
  const [upstream] = accepted(readConfig(config, files.directory)).upstreams
  assert.deepEqual(upstream?.tls, {
    ca: pem(cert),
    cert: pem(cert),
    key: pem(key),
    passphrase: null,
    servername: null,
    verify: true,
  })
})

test('files of an upstream’s TLS that cannot be used_each is named with what to do', (t) => {
  const files = new Certificates(t)
  const { cert, key } = files.selfSigned('client', 'weir')
  const other = files.selfSigned('other', 'other')
  const text = files.path('text')
  writeFileSync(text, 'no PEM')
  const path = 'upstreams.app.tls'
  assert.match(onlyProblem(https({ ca: '/nonexistent/ca.pem' }), `${path}.ca`).found, /no file/)
  assert.match(onlyProblem(https({ ca: text }), `${path}.ca`).found, /without -----BEGIN CERTIFICATE/)
  assert.match(onlyProblem(https({ cert, key: other.key }), `${path}.key`).found, /of another certificate/)
  assert.match(onlyProblem(https({ cert, key: cert }), `${path}.key`).hint ?? '', /swapped/)
  assert.match(onlyProblem(https({ cert }), path).hint ?? '', /add "key"/)
  assert.match(onlyProblem(https({ key }), path).hint ?? '', /add "cert"/)
  onlyProblem(https({ verify: 'no' }), `${path}.verify`)
  onlyProblem(https({ servername: '' }), `${path}.servername`)
  onlyProblem(https({ certificate: cert }), `${path}.certificate`)
})
