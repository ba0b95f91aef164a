import { type Logger, pino } from 'pino'
import type { LogLine } from '../log-lines.ts'

/** A logger whose lines stay in memory. */
export class MemoryLog {
  readonly lines: LogLine[] = []
  readonly log: Logger

  constructor(level = 'trace') {
    this.log = pino({ level }, { write: (line: string) => void this.lines.push(JSON.parse(line) as LogLine) })
  }

  /** Lines with this message. */
  named(message: string): LogLine[] {
    return this.lines.filter(({ msg }) => msg === message)
  }

  get messages(): string[] {
    return this.lines.map(({ msg }) => msg)
  }
}
