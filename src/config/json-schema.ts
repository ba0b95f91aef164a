import { z } from 'zod'
import { configSchema } from './schema.ts'

/**
 * The schema as JSON Schema, for editors. Draft 7, not 2020-12: VS Code's JSON language service supports drafts 4 to
 * 7 fully and the later ones in part, and nothing here needs what they added.
 *
 * It accepts all that `loadConfig` accepts and some more: what several values must be together is not in it.
 */
export function configJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(configSchema, { target: 'draft-7', io: 'input' })
  return { $schema, $id: 'urn:weir:config.schema.json', title: 'Weir configuration', ...rest }
}

/** The text of `config.schema.json`. */
export function configJsonSchemaText(): string {
  return `${JSON.stringify(configJsonSchema(), null, 2)}\n`
}
