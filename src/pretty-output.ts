/** The lines of the log for a person. By itself, so that nobody loads pino-pretty who does not use it. */
import pretty from 'pino-pretty'

/** @returns a stream that takes any number of whole JSON lines at a time */
export function prettyOutput() {
  const output = pretty({ ignore: 'pid', singleLine: true, translateTime: 'SYS:HH:MM:ss.l', sync: true })
  // Each worker is piped into it, and Node takes more than ten for a leak.
  output.setMaxListeners(0)
  return output
}
