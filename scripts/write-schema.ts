/** Writes `config.schema.json` from the zod schema: `npm run schema`, after every change of the outline. */
import { writeFileSync } from 'node:fs'
import { configJsonSchemaText } from '../src/config/json-schema.ts'

writeFileSync(new URL('../config.schema.json', import.meta.url), configJsonSchemaText())
