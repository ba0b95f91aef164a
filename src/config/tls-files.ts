/**
 * The files that listeners with TLS name: whether they are there, are what they should be and belong together. The
 * binding says little of a bad file, and of a further certificate's nothing at all (native-notes/13-tls.md).
 */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { CertificatePlan, TlsPlan } from '../plan/listener-plan.ts'
import { type Finding, formatPath, type Path, show } from './problem.ts'
import { type ListenerConfig, listenerTls } from './schema-listener.ts'

type TlsConfig = NonNullable<ListenerConfig['tls']>
type Pair = Pick<TlsConfig, 'cert' | 'key' | 'passphrase'>

/** The plan of a listener's TLS. @param directory where relative paths begin */
export function tlsPlan(config: TlsConfig, directory: string): TlsPlan {
  const certificates: CertificatePlan[] = [config, ...config.certificates].map((entry) => ({
    serverNames: 'serverNames' in entry ? entry.serverNames.map((name) => name.toLowerCase()) : [],
    certFile: resolve(directory, entry.cert),
    keyFile: resolve(directory, entry.key),
    passphrase: entry.passphrase ?? null,
  }))
  const clientCaFile = config.clientCa === undefined ? null : resolve(directory, config.clientCa)
  const hash = createHash('sha256')
  for (const { certFile, keyFile } of certificates)
    for (const file of [certFile, keyFile]) hash.update(readFileSync(file))
  if (clientCaFile !== null) hash.update(readFileSync(clientCaFile))
  return { certificates, clientCaFile, minVersion: config.minVersion, contentHash: hash.digest('hex') }
}

/** What is wrong with the files. Looks at listeners whose `tls` is in shape; runs on the raw input. */
export function tlsFindings(input: unknown, directory: string): Finding[] {
  const listen = (input as { listen?: unknown } | null)?.listen
  const forms: readonly unknown[] = Array.isArray(listen) ? listen : [listen]
  return forms.flatMap((form, index) => {
    const base: Path = Array.isArray(listen) ? ['listen', index] : ['listen']
    return listenerFindings(form as { tls?: unknown; redirectToHttps?: unknown } | null, base, directory)
  })
}

function listenerFindings(
  form: { tls?: unknown; redirectToHttps?: unknown } | null | undefined,
  base: Path,
  directory: string,
): Finding[] {
  const parsed = listenerTls.safeParse(form?.tls)
  if (!parsed.success) return []
  const { data } = parsed
  const path = [...base, 'tls']
  const findings = [
    ...pairFindings(data, path, directory, listenerCurves),
    ...data.certificates.flatMap((entry, index) =>
      pairFindings(entry, [...path, 'certificates', index], directory, listenerCurves),
    ),
    ...repeatedNames(data, path),
  ]
  if (data.clientCa !== undefined)
    findings.push(...authorities(data.clientCa, [...path, 'clientCa'], directory))
  if (form?.redirectToHttps !== undefined) {
    findings.push({
      path: [...base, 'redirectToHttps'],
      expected: 'a listener without tls',
      found: 'one with it, where every request comes by https already',
      hint: 'put redirectToHttps on the listener for plain HTTP',
    })
  }
  return findings
}

/** The curves that the binding's BoringSSL knows, in OpenSSL's words: P-224, P-256, P-384 and P-521. */
const listenerCurves = ['secp224r1', 'prime256v1', 'secp384r1', 'secp521r1'] as const

/** @param curves that the key may be on, if it is on one. Absent: all that this process can read */
export function pairFindings(
  { cert, key, passphrase }: Pair,
  base: Path,
  directory: string,
  curves?: readonly string[],
): Finding[] {
  const certPath = [...base, 'cert']
  const keyPath = [...base, 'key']
  const certText = readPem(cert, certPath, directory)
  const keyText = readPem(key, keyPath, directory)
  const findings = [certText, keyText].filter((read) => typeof read !== 'string')
  const certificates = typeof certText === 'string' ? parseCertificates(certText, certPath) : null
  if (certificates !== null && !Array.isArray(certificates)) findings.push(certificates)
  if (typeof keyText !== 'string') return findings
  const privateKey = parseKey(keyText, passphrase, base)
  if ('expected' in privateKey) return [...findings, privateKey]
  const curve = privateKey.asymmetricKeyDetails?.namedCurve
  if (curves !== undefined && curve !== undefined && !curves.includes(curve)) {
    const expected = 'an EC key on P-224, P-256, P-384 or P-521'
    return [...findings, { path: keyPath, expected, found: `one on ${curve}`, hint: null }]
  }
  const [own] = Array.isArray(certificates) ? certificates : []
  if (own === undefined || own.checkPrivateKey(privateKey)) return findings
  const found = `the key of another certificate than ${show(own.subject)}`
  const hint = `the first certificate in ${show(cert)} must be the server's own, not an intermediate`
  return [...findings, { path: keyPath, expected: 'the private key of the certificate in cert', found, hint }]
}

function readPem(file: string, path: Path, directory: string): string | Finding {
  const full = resolve(directory, file)
  try {
    return readFileSync(full, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const expected = 'a file that can be read'
    if (code === 'ENOENT') {
      const hint = "paths are relative to the configuration file's folder"
      return { path, expected, found: `no file ${show(full)}`, hint }
    }
    if (code === 'EACCES') {
      const hint = 'check the owner and mode of the file'
      return { path, expected, found: `permission denied for ${show(full)}`, hint }
    }
    return { path, expected, found: message, hint: null }
  }
}

const block = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** Every certificate in a text, at least one, or what is wrong. */
function parseCertificates(text: string, path: Path): X509Certificate[] | Finding {
  const blocks = text.match(block) ?? []
  const expected = 'a file with certificates in PEM'
  if (blocks.length === 0) {
    const hint = 'convert DER with: openssl x509 -inform der -in FILE -out FILE.pem'
    return { path, expected, found: 'a file without -----BEGIN CERTIFICATE-----', hint }
  }
  const certificates: X509Certificate[] = []
  for (const [index, pem] of blocks.entries()) {
    try {
      certificates.push(new X509Certificate(pem))
    } catch (error) {
      const found = `certificate ${index + 1} in it cannot be read: ${(error as Error).message}`
      return { path, expected, found, hint: null }
    }
  }
  return certificates
}

/** What the binding can sign with. */
const keyTypes: ReadonlySet<string | undefined> = new Set(['rsa', 'ec', 'ed25519'])

function parseKey(text: string, passphrase: string | undefined, base: Path) {
  const path = [...base, 'key']
  try {
    const key = createPrivateKey(passphrase === undefined ? text : { key: text, passphrase })
    if (keyTypes.has(key.asymmetricKeyType)) return key
    return { path, expected: 'an RSA, EC or Ed25519 key', found: `${key.asymmetricKeyType}`, hint: null }
  } catch (error) {
    const { message } = error as NodeJS.ErrnoException
    const expected = 'a file with a private key in PEM'
    // OpenSSL reports a passphrase that is wanted and not given in several ways, and one that is wrong as well: in one of 256 cases what
    // comes of it ends like something that was encrypted, and is said to be no key.
    if (/ENCRYPTED/.test(text)) {
      return passphrase === undefined
        ? { path, expected, found: 'an encrypted key', hint: 'give its passphrase in "passphrase"' }
        : {
            path: [...base, 'passphrase'],
            expected: 'the passphrase of the key',
            found: `one that does not open it: ${message}`,
            hint: null,
          }
    }
    const hint = text.includes('CERTIFICATE') ? 'this is a certificate: are cert and key swapped?' : null
    return { path, expected, found: message, hint }
  }
}

export function authorities(file: string, path: Path, directory: string): Finding[] {
  const text = readPem(file, path, directory)
  const read = typeof text === 'string' ? parseCertificates(text, path) : text
  return Array.isArray(read) ? [] : [read]
}

function repeatedNames({ certificates }: TlsConfig, base: Path): Finding[] {
  const firsts = new Map<string, Path>()
  const findings: Finding[] = []
  for (const [index, { serverNames }] of certificates.entries()) {
    for (const [place, name] of serverNames.entries()) {
      const path = [...base, 'certificates', index, 'serverNames', place]
      const first = firsts.get(name.toLowerCase())
      if (first === undefined) firsts.set(name.toLowerCase(), path)
      else {
        const found = `${show(name)} again, as in ${formatPath(first)}`
        findings.push({ path, expected: 'each name once', found, hint: null })
      }
    }
  }
  return findings
}
