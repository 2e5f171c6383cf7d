/** A piece of a document whose texts are escaped. */
export interface Markup {
  readonly markup: string;
}

/** What may stand in a template: texts and numbers are escaped, pieces are not, and nothing is nothing. */
type Content = string | number | Markup | undefined | readonly Content[];

/** HTML or SVG. Every value is a text unless it was made by this tag itself. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return { markup: parts.map((part, index) => `${part}${index < values.length ? written(values[index]) : ''}`).join('') };
}

function written(content: Content): string {
  if (content === undefined) return '';
  if (typeof content === 'string') return escaped(content);
  if (typeof content === 'number') return String(content);
  return 'markup' in content ? content.markup : content.map(written).join('');
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** For elements and quoted attributes; control characters, which no document may hold, are left out. */
function escaped(text: string): string {
  return text.replace(/[\0-\x08\x0B\x0C\x0E-\x1F\x7F]/g, '').replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
