/** Certificates for tests, made by the openssl command when they are asked for. Nothing here outlives its test. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

export interface Certificate {
  /** Paths of PEM files. */
  readonly cert: string
  readonly key: string
}

/** A folder of certificates until the test ends. */
export class Certificates {
  readonly directory = mkdtempSync(join(tmpdir(), 'weir-certificates-'))

  constructor(t: TestContext) {
    t.after(() => rmSync(this.directory, { recursive: true, force: true }))
  }

  path(name: string): string {
    return join(this.directory, name)
  }

  /** Signed by itself, for this DNS name and 127.0.0.1. @param stem of the files' names; an older pair is replaced */
  selfSigned(stem: string, name: string, curve = 'P-256'): Certificate {
    const pair = this.#pair(stem)
    const names = `subjectAltName=DNS:${name},IP:127.0.0.1`
    const ec = ['-newkey', 'ec', '-pkeyopt', `ec_paramgen_curve:${curve}`, '-nodes']
    openssl(
      'req',
      '-x509',
      ...ec,
      '-keyout',
      pair.key,
      '-out',
      pair.cert,
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-addext',
      names,
    )
    return pair
  }

  /** Signed by another one. */
  signedBy(authority: Certificate, stem: string, name: string): Certificate {
    const pair = this.#pair(stem)
    const request = this.path(`${stem}.csr`)
    const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    openssl('req', ...ec, '-keyout', pair.key, '-out', request, '-subj', `/CN=${name}`)
    const by = ['-CA', authority.cert, '-CAkey', authority.key, '-CAcreateserial']
    openssl('x509', '-req', '-in', request, ...by, '-out', pair.cert, '-days', '2')
    return pair
  }

  /** The key again, encrypted. @returns its path */
  encrypted({ key }: Certificate, stem: string, passphrase: string): string {
    const file = this.path(`${stem}.encrypted.key`)
    openssl('pkcs8', '-topk8', '-in', key, '-out', file, '-v2', 'aes256', '-passout', `pass:${passphrase}`)
    return file
  }

  #pair(stem: string): Certificate {
    return { cert: this.path(`${stem}.pem`), key: this.path(`${stem}.key`) }
  }
}

export function pem(file: string): string {
  return readFileSync(file, 'utf8')
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}
