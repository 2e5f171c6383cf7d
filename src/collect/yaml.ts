import { type DocumentOptions, parseDocument, type ParseOptions, type SchemaOptions, type Tags } from 'yaml';

/**
 * YAML as kubectl and istiod read it: version 1.1 truth values and octal numbers, but no times, no base-60 numbers, and a dot alone is
 * no number but the namespace that `exportTo` means by it.
 * Duplicate keys are taken as those readers take them: the last one counts.
 */
export const yamlOptions = {
  version: '1.1',
  customTags: (tags: Tags): Tags =>
    tags
      .filter(
        (tag) => typeof tag === 'string' || !(tag.tag === 'tag:yaml.org,2002:timestamp' || ('format' in tag && tag.format === 'TIME')),
      )
      .map((tag) =>
        typeof tag !== 'string' && tag.collection === undefined && tag.test?.test('.') === true
          ? { ...tag, test: new RegExp(`(?!^\\.$)${tag.test.source}`) }
          : tag,
      ),
  uniqueKeys: false,
  prettyErrors: false,
  logLevel: 'error',
} as const satisfies ParseOptions & DocumentOptions & SchemaOptions;

/** More aliases than any hand-written file has; fewer than a bomb needs. */
export const mostAliases = 1000;

/** The value of one YAML document inside an object, or why there is none. Never quotes the text: it may hold secrets. */
export function readYaml(text: string): { readonly value: unknown } | { readonly invalid: string } {
  try {
    const document = parseDocument(text, yamlOptions);
    const [error] = document.errors;
    if (error !== undefined) return { invalid: `not YAML (${yamlProblem(error.code)})` };
    const value: unknown = document.toJS({ maxAliasCount: mostAliases });
    return { value };
  } catch {
    return { invalid: 'not YAML' };
  }
}

/** An error code of the parser in words. */
export function yamlProblem(code: string): string {
  return code.toLowerCase().replaceAll('_', ' ');
}
