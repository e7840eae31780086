/** From a JSON Schema to an arbitrary of values that fit it. */
import type { Arbitrary, FastCheck } from './fast-check.ts'
import { fits, itemsOf, patternOf } from './fits.ts'
import { mergeSchemas } from './merge-schemas.ts'
import {
  canonical,
  checkKeywords,
  type JsonSchema,
  type JsonSchemaObject,
  resolveRef,
  schemaFault,
  valueTypes,
  type ValueType,
} from './json-schema.ts'
import { datesOf, everydayNumbers, everydayWords, numbersOf, stringsOf } from './leaves.ts'
import type { Leaf, Taste } from './leaves.ts'
import { limited, type MissBudget } from './limited.ts'
import { isRecursiveRef } from './recursion.ts'

export interface BuildOptions {
  readonly fc: FastCheck
  readonly schema: JsonSchema
  readonly taste: Taste
  readonly budget: MissBudget
}

/** How deep values of schemas that contain themselves become: the first depth that is possible. */
const depths = [3, 6, 12, 24]

/** @throws `invalid-schema` for what is not supported, with its place, and where nothing can fit */
export function buildArbitrary(options: BuildOptions): Arbitrary<unknown> {
  for (const depth of depths) {
    const made = new Builder(options, depth).build({ schema: options.schema, at: '#', left: depth })
    if (made !== null) return made
  }
  throw schemaFault('no value fits the schema', 'look for bounds that exclude each other')
}

/** A place in the schema. */
interface Spot {
  readonly schema: JsonSchema
  /** JSON pointer, for messages. */
  readonly at: string
  /** How many recursive references may follow. */
  readonly left: number
}
interface ObjectSpot extends Spot {
  readonly schema: JsonSchemaObject
}

/** Of lists within what contains itself. */
const innerItemsMax = 2
const itemsMax = 5
const poolSize = 5

/** Each method gives null where no value is possible, or none that is shallow enough. */
class Builder {
  readonly #fc: FastCheck
  readonly #root: JsonSchema
  readonly #taste: Taste
  readonly #budget: MissBudget
  readonly #depth: number
  readonly #made = new Map<string, Arbitrary<unknown> | null>()

  constructor({ fc, schema, taste, budget }: BuildOptions, depth: number) {
    this.#fc = fc
    this.#root = schema
    this.#taste = taste
    this.#budget = budget
    this.#depth = depth
  }

  build({ schema, at, left }: Spot): Arbitrary<unknown> | null {
    if (schema === false) return null
    if (schema === true) return this.#anything()
    checkKeywords(schema, at)
    const spot: ObjectSpot = { schema, at, left }
    const { allOf, anyOf, not, $ref, nullable } = schema
    if (schema.const !== undefined || schema.enum !== undefined) return this.#constants(schema)
    if (nullable === true) {
      const { nullable: _, ...others } = schema
      return this.#oneOf([this.#fc.constant(null), this.build({ ...spot, schema: others })])
    }
    if ($ref !== undefined) return this.#reference(spot, $ref)
    if (allOf !== undefined) return this.#all(spot, allOf)
    const keyword = anyOf === undefined ? 'oneOf' : 'anyOf'
    const branches = schema[keyword]
    if (branches !== undefined) {
      const { [keyword]: _, ...others } = schema
      const made = branches.map((branch, i) => {
        const both = isBare(others) ? branch : mergeSchemas(branch, others)
        return this.build({ ...spot, schema: both, at: `${at}/${keyword}/${i}` })
      })
      return this.#held(spot, this.#oneOf(made))
    }
    if (not !== undefined) {
      const { not: _, ...others } = schema
      return this.#held(spot, this.build({ ...spot, schema: others }))
    }
    return this.#typed(spot)
  }

  #all(spot: ObjectSpot, allOf: readonly JsonSchema[]): Arbitrary<unknown> | null {
    const { allOf: _, ...others } = spot.schema
    let { left } = spot
    let all: JsonSchema = others
    for (const one of allOf) {
      // References are followed here: two of them cannot stand beside each other.
      let part = one
      while (typeof part === 'object' && part.$ref !== undefined) {
        const { $ref, ...beside } = part
        if (isRecursiveRef(this.#root, $ref)) left -= 1
        if (left < 0) return null
        part = mergeSchemas(resolveRef(this.#root, $ref, spot.at), beside)
      }
      all = mergeSchemas(all, part)
    }
    return this.#held(spot, this.build({ schema: all, at: `${spot.at}/allOf`, left }))
  }

  /** Only what fits its schema as a whole. */
  #held({ schema, at }: ObjectSpot, made: Arbitrary<unknown> | null): Arbitrary<unknown> | null {
    if (made === null) return null
    const refuses = (value: unknown): string | null =>
      fits(this.#root, schema, value) ? null : `${shown(value)} does not`
    const [fc, budget] = [this.#fc, this.#budget]
    return limited({ fc, from: made, refuses, at, budget, scope: 'part' })
  }

  #oneOf(all: readonly (Arbitrary<unknown> | null)[]): Arbitrary<unknown> | null {
    const some = all.filter((one) => one !== null)
    return some.length < 2 ? (some[0] ?? null) : this.#fc.oneof(...some)
  }

  #constants(schema: JsonSchemaObject): Arbitrary<unknown> | null {
    const all = schema.enum ?? [schema.const]
    const possible = all.filter((one) => fits(this.#root, schema, one))
    return possible.length === 0 ? null : this.#fc.constantFrom(...possible)
  }

  #reference(spot: ObjectSpot, ref: string): Arbitrary<unknown> | null {
    const { schema, at } = spot
    const target = resolveRef(this.#root, ref, at)
    const left = isRecursiveRef(this.#root, ref) ? spot.left - 1 : spot.left
    if (left < 0) return null
    const { $ref: _, ...others } = schema
    if (!isBare(others)) {
      const both = mergeSchemas(target, others)
      return this.#held(spot, this.build({ schema: both, at: `${at}/$ref`, left }))
    }
    const name = `${left} ${ref}`
    const known = this.#made.get(name)
    if (known !== undefined) return known
    const made = this.build({ schema: target, at: ref, left })
    this.#made.set(name, made)
    return made
  }

  #typed(spot: ObjectSpot): Arbitrary<unknown> | null {
    const schema: JsonSchemaObject = spot.schema
    if (schema['x-millrace-kind'] !== undefined) return this.#leaf(spot)
    const types = typesOf(schema)
    if (types === null) return this.#anything()
    return this.#oneOf(types.map((type) => this.#ofType(spot, type)))
  }

  #ofType(spot: ObjectSpot, type: ValueType): Arbitrary<unknown> | null {
    switch (type) {
      case 'null':
        return this.#fc.constant(null)
      case 'boolean':
        return this.#fc.boolean()
      case 'array':
        return this.#arrays(spot)
      case 'object':
        return this.#objects(spot)
      default:
        return this.#leaf({ ...spot, schema: { ...spot.schema, type } })
    }
  }

  #leaf(spot: ObjectSpot): Arbitrary<unknown> | null {
    const leaf: Leaf = { fc: this.#fc, schema: spot.schema, at: spot.at, taste: this.#taste }
    const made = this.#held(spot, leafOf(leaf))
    if (made === null || this.#taste === 'wide') return made
    this.#budget.reset()
    // The same few for the same schema, also in another topic: keys must meet.
    const words: readonly unknown[] = [...everydayWords, ...everydayNumbers]
    const plain = words.filter((word) => fits(this.#root, spot.schema, word))
    const pool = plain.length > 1 ? plain : this.#fc.sample(made, { numRuns: poolSize, seed: 1 })
    const often = this.#fc.constantFrom(...pool)
    return this.#fc.oneof({ weight: 4, arbitrary: often }, { weight: 1, arbitrary: made })
  }

  #arrays(spot: ObjectSpot): Arbitrary<unknown> | null {
    const { schema, at, left } = spot
    const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema
    const { prefix, rest } = itemsOf(schema)
    const first: Arbitrary<unknown>[] = []
    for (const [i, one] of prefix.slice(0, maxItems).entries()) {
      const made = this.build({ schema: one, at: `${at}/prefixItems/${i}`, left })
      if (made === null) break
      first.push(made)
    }
    const isCut = first.length < Math.min(prefix.length, maxItems)
    const others = isCut ? null : this.build({ schema: rest, at: `${at}/items`, left })
    if (others === null && first.length < minItems) return null
    const usual = left < this.#depth ? innerItemsMax : itemsMax
    const minLength = Math.max(0, minItems - first.length)
    const maxLength = Math.min(maxItems - first.length, minLength + usual)
    if (maxLength < minLength) return null
    // Further items behind a list of fixed ones are rare in records: none but where they must be.
    const isOpen = schema.items === undefined && schema.additionalItems === undefined
    const isNone = others === null || (prefix.length > 0 && isOpen && minLength === 0)
    const tail = isNone ? this.#fc.constant([]) : this.#lists(others, schema, minLength, maxLength)
    const made = this.#fc
      .tuple(this.#fc.tuple(...first), tail)
      .map(([before, behind]) => [...before, ...behind])
    return schema.uniqueItems === true ? this.#held(spot, made) : made
  }

  #lists(
    items: Arbitrary<unknown>,
    { uniqueItems }: JsonSchemaObject,
    minLength: number,
    maxLength: number,
  ): Arbitrary<unknown[]> {
    if (uniqueItems !== true) return this.#fc.array(items, { minLength, maxLength })
    // fast-check's own looks for ever where there are not so many: whoever asked checks the length.
    const more = { minLength, maxLength: 4 * maxLength }
    return this.#fc.array(items, more).map((all) => {
      const found = new Map(all.map((one) => [canonical(one), one]))
      return [...found.values()].slice(0, maxLength)
    })
  }

  #objects(spot: ObjectSpot): Arbitrary<unknown> | null {
    const { schema, at, left } = spot
    const { properties = {}, required = [], additionalProperties = true } = schema
    const model: Record<string, Arbitrary<unknown>> = {}
    for (const name of new Set([...Object.keys(properties), ...required])) {
      const isOwn = Object.hasOwn(properties, name)
      const one = isOwn ? (properties[name] as JsonSchema) : additionalProperties
      const made = this.build({ schema: one, at: `${at}/properties/${name}`, left })
      if (made !== null) model[name] = made
      else if (required.includes(name)) return null
    }
    const requiredKeys = Object.keys(model).filter((name) => required.includes(name))
    const own = this.#fc.record(model, { requiredKeys, noNullPrototype: true })
    const others = this.#otherProperties(spot, Object.keys(properties))
    const made =
      others === null ? own : this.#fc.tuple(own, others).map(([a, b]) => ({ ...b, ...a }))
    return isPlain(schema) ? made : this.#held(spot, made)
  }

  /** Of names that the schema does not list; null: none. */
  #otherProperties(
    { schema, at, left }: ObjectSpot,
    listed: readonly string[],
  ): Arbitrary<Record<string, unknown>> | null {
    const { additionalProperties, propertyNames = {}, minProperties = 0 } = schema
    const kinds: Arbitrary<[string, unknown]>[] = []
    const add = (names: JsonSchema, values: JsonSchema, place: string): void => {
      const text = mergeSchemas({ type: 'string' }, names)
      const name = this.build({ schema: text, at: `${at}/propertyNames`, left })
      const value = this.build({ schema: values, at: `${at}/${place}`, left })
      if (name === null || value === null) return
      kinds.push(this.#fc.tuple(name as Arbitrary<string>, value))
    }
    for (const [pattern, one] of Object.entries(schema.patternProperties ?? {})) {
      patternOf(pattern)
      add(mergeSchemas({ pattern }, propertyNames), one, `patternProperties/${pattern}`)
    }
    const isAsked = typeof additionalProperties === 'object' || schema.propertyNames !== undefined
    if ((isAsked || minProperties > listed.length) && additionalProperties !== false) {
      add(propertyNames, additionalProperties ?? true, 'additionalProperties')
    }
    if (kinds.length === 0) return null
    const usual = left < this.#depth ? innerItemsMax : itemsMax
    const least = Math.max(0, minProperties - listed.length)
    const length = { minLength: least, maxLength: least + usual }
    return this.#fc
      .array(this.#fc.oneof(...kinds), length)
      .map((all) => Object.fromEntries(all.filter(([name]) => !listed.includes(name))))
  }

  #anything(): Arbitrary<unknown> {
    const { oneof, constantFrom, jsonValue } = this.#fc
    if (this.#taste === 'wide') return jsonValue({ maxDepth: 2 })
    return oneof(
      { weight: 4, arbitrary: constantFrom<unknown>(...everydayWords, 1, 2, 3, true, null) },
      { weight: 1, arbitrary: jsonValue({ maxDepth: 1 }) },
    )
  }
}

function leafOf(leaf: Leaf): Arbitrary<unknown> | null {
  const kind = leaf.schema['x-millrace-kind']
  if (kind === 'date') return datesOf(leaf)
  if (kind === 'bigint') return leaf.fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n })
  const { type } = leaf.schema
  return type === 'string' ? stringsOf(leaf) : numbersOf(leaf, type === 'integer')
}

const families: readonly (readonly [ValueType, RegExp])[] = [
  ['object', /^(properties|required|additionalProp|patternProp|propertyNames|m..Properties)/],
  ['array', /^(items|prefixItems|additionalItems|m..Items|uniqueItems)/],
  ['string', /^(m..Length|pattern$|format)/],
  ['number', /^(minimum|maximum|exclusiveM|multipleOf)/],
]

/** Null: of any type. Without `type`, those that its keywords speak of: others fit, too. */
function typesOf({ type, ...rest }: JsonSchemaObject): readonly ValueType[] | null {
  if (typeof type === 'string') return valueTypes.filter((one) => one === type)
  if (type !== undefined) return valueTypes.filter((one) => type.includes(one))
  const keywords = Object.keys(rest).filter((keyword) => rest[keyword] !== undefined)
  const named = families.filter(([, pattern]) => keywords.some((keyword) => pattern.test(keyword)))
  return named.length === 0 ? null : named.map(([family]) => family)
}

const groups = ['enum', 'const', 'nullable', 'allOf', 'anyOf', 'oneOf', 'not', '$ref'] as const

/** Nothing in it but annotations: any value fits. */
function isBare(schema: JsonSchemaObject): boolean {
  const isKind = schema['x-millrace-kind'] !== undefined
  return typesOf(schema) === null && !isKind && groups.every((name) => schema[name] === undefined)
}

/** Nothing that the way objects are put together does not keep by itself. */
function isPlain(schema: JsonSchemaObject): boolean {
  const { minProperties, maxProperties, patternProperties, propertyNames } = schema
  return [minProperties, maxProperties, patternProperties, propertyNames].every(
    (one) => one === undefined,
  )
}

function shown(value: unknown): string {
  const text = canonical(value)
  return text.length > 200 ? `${text.slice(0, 200).toWellFormed()}…` : text
}
