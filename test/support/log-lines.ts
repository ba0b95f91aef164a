import type { Readable } from 'node:stream'
import { waitFor } from './wait.ts'

/** One line of Weir's log. */
export interface LogLine {
  readonly level: number
  readonly msg: string
  readonly pid: number
  readonly [key: string]: unknown
}

export type LogPredicate = (line: LogLine) => boolean

/** Collects the JSON lines of a stream as they come. What is no JSON object ends up in `garbled`. */
export class LogLines {
  readonly lines: LogLine[] = []
  /** Lines that are not JSON: two processes wrote into each other's line, or something printed by itself. */
  readonly garbled: string[] = []
  #rest = ''

  constructor(stream: Readable) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => this.#take(text))
    stream.on('end', () => this.#take(this.#rest === '' ? '' : '\n'))
  }

  /** Lines with this message. */
  named(msg: string): LogLine[] {
    return this.lines.filter((line) => line.msg === msg)
  }

  /** The first line, from line number `from` on, that is as described; waits for it. */
  async waitFor(predicate: LogPredicate, what: string, from = 0, timeoutMs = 10_000): Promise<LogLine> {
    return waitFor(() => this.lines.slice(from).find(predicate), {
      timeoutMs,
      what: () => `a log line: ${what}\nthe latest lines are:\n${this.tail()}`,
    })
  }

  /** The latest lines as text, for a failure's message. */
  tail(): string {
    return this.lines
      .slice(-15)
      .map((line) => JSON.stringify(line))
      .concat(this.garbled.map((line) => `garbled: ${line}`))
      .join('\n')
  }

  #take(text: string): void {
    const parts = (this.#rest + text).split('\n')
    this.#rest = parts.pop()!
    for (const part of parts) {
      if (part === '') continue
      try {
        this.lines.push(JSON.parse(part) as LogLine)
      } catch {
        this.garbled.push(part)
      }
    }
  }
}
