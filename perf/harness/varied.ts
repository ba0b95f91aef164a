/**
 * Traffic that does not repeat itself, as that of a site with many clients: what is remembered of one request or answer is
 * of no use for the next. Everything comes from fixed seeds, so that all subjects have the same in each turn.
 */
import { payload } from './payload.ts'
import { randomFrom } from './random.ts'
import type { Load, OriginShape } from './scenario.ts'

export interface VariedRequest {
  /** With a query. */
  readonly path: string
  /** In the order in which they are sent. */
  readonly headers: Readonly<Record<string, string>>
}

export interface VariedAnswer {
  /** Status 200. Beside those that the origin sends by itself. */
  readonly headers: Readonly<Record<string, string>>
  /** Begins with the answer's number. */
  readonly body: string
}

const sections = ['lamps', 'chairs', 'tables', 'shelves', 'carpets', 'curtains', 'mirrors', 'vases']
const languages = [
  'en-GB,en;q=0.9,de;q=0.8',
  'en-US,en;q=0.9',
  'de-DE,de;q=0.9,en;q=0.7',
  'fr-FR,fr;q=0.9,en;q=0.8',
  'nl-NL,nl;q=0.9,en;q=0.8',
]
interface Browser {
  readonly userAgent: string
  /** What it says of itself beside that, as Chromium does: name, version, platform. Null: no more. */
  readonly hints: { readonly version: number; readonly platform: string } | null
}

/** 36 of them, of which a third sends fewer fields than the others do, so that the same field comes in different places. */
const browsers: readonly Browser[] = [
  ...[
    ['Linux', 'X11; Linux x86_64'],
    ['Windows', 'Windows NT 10.0; Win64; x64'],
    ['macOS', 'Macintosh; Intel Mac OS X 10_15_7'],
  ].flatMap(([platform, system]) =>
    [124, 125, 126, 127, 128, 129, 130, 131].map((version) => ({
      userAgent: `Mozilla/5.0 (${system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36`,
      hints: { version, platform: platform! },
    })),
  ),
  ...[128, 129, 130, 131, 132, 133].map((version) => ({
    userAgent: `Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:${version}.0) Gecko/20100101 Firefox/${version}.0`,
    hints: null,
  })),
  ...['16.5', '16.6', '17.4', '17.5', '17.6', '18.1'].map((version) => ({
    userAgent: `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/${version} Safari/605.1.15`,
    hints: null,
  })),
]

const [requestSeed, answerSeed] = [20_261_129, 20_261_130]

/** Chance that an answer may be cached, and that it sets a cookie. */
const [cacheable, settingCookie] = [1 / 4, 1 / 16]
/** The shortest answer is so much of the longest. */
const shortest = 1 / 5

/**
 * The requests of a load: number n, from 0, has a path that ends in n and asks for answer n. Cookie, referer, browser, language and
 * `traceparent` are their own; what else the load's headers say is in all of them.
 *
 * They have to fit into the 1,024 bytes that nginx reads a head into (`client_header_buffer_size`): a longer one takes it a second
 * buffer, and that is not what is to be measured.
 */
export function variedRequests(load: Pick<Load, 'path' | 'headers' | 'varied'>): readonly VariedRequest[] {
  const random = new Dice(requestSeed)
  const parent = load.path.replace(/\/$/, '')
  return Array.from({ length: load.varied ?? 1 }, (_, number) => {
    const section = random.of(sections)
    const query = `colour=${random.hex(6)}&page=${random.below(90)}`
    const client = `GA1.2.${1e9 + random.below(9e9)}.${1_700_000_000 + random.below(3e7)}`
    const differ = {
      ...fieldsOf(random.of(browsers)),
      'Accept-Language': random.of(languages),
      Referer: `https://shop.example.com/catalogue/${section}?sort=price&page=${random.below(90)}`,
      Cookie: `session=${random.hex(64)}; _ga=${client}; cart=${random.hex(32)}; theme=dark`,
      traceparent: `00-${random.hex(32)}-${random.hex(16)}-01`,
    }
    const all: [string, string | null][] = Object.entries({ ...load.headers, ...differ })
    const headers = Object.fromEntries(all.filter((field): field is [string, string] => field[1] !== null))
    return { path: `${parent}/${section}/${number}?${query}`, headers }
  })
}

/** Null: a field that it does not send. */
function fieldsOf({ userAgent, hints }: Browser): Readonly<Record<string, string | null>> {
  return {
    'User-Agent': userAgent,
    'Sec-Ch-Ua': hints && `"Chromium";v="${hints.version}", "Not_A Brand";v="24"`,
    'Sec-Ch-Ua-Mobile': hints && '?0',
    'Sec-Ch-Ua-Platform': hints && `"${hints.platform}"`,
  }
}

/** What an origin answers to them. Each has an entity tag, a date and a length of its own. */
export function variedAnswers({
  bytes,
  varied,
}: Pick<OriginShape, 'bytes' | 'varied'>): readonly VariedAnswer[] {
  const random = new Dice(answerSeed)
  const least = Math.ceil(bytes * shortest)
  return Array.from({ length: varied ?? 1 }, (_, number) => {
    const modified = new Date(Date.UTC(2026, 0, 1) + random.below(25e6) * 1000).toUTCString()
    const body = `${number} ${payload(bytes)}`.slice(0, least + random.below(bytes - least + 1))
    return {
      headers: {
        ETag: `"${random.hex(16)}"`,
        'Last-Modified': modified,
        ...(random.next() < cacheable ? { 'Cache-Control': `public, max-age=${60 * random.below(60)}` } : {}),
        ...(random.next() < settingCookie
          ? { 'Set-Cookie': `seen=${random.hex(16)}; Path=/; HttpOnly` }
          : {}),
      },
      body,
    }
  })
}

/** The number of the answer that a path without its query asks for: the digits that it ends in. */
export function numberOf(path: string): number {
  let number = 0
  let unit = 1
  for (let at = path.length - 1; at >= 0; at--) {
    const digit = path.charCodeAt(at) - 0x30
    if (digit < 0 || digit > 9) break
    number += digit * unit
    unit *= 10
  }
  return number
}

class Dice {
  readonly next: () => number

  constructor(seed: number) {
    this.next = randomFrom(seed)
  }

  /** A whole number, 0 or more. */
  below(bound: number): number {
    return Math.floor(this.next() * bound)
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }

  hex(digits: number): string {
    let text = ''
    while (text.length < digits)
      text += this.below(2 ** 32)
        .toString(16)
        .padStart(8, '0')
    return text.slice(0, digits)
  }
}
