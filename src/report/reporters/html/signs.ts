import { inkOf, type Mark } from '../../symbols.ts';
import { html, type Markup } from './markup.ts';

const ink = inkOf({ colour: false, unicode: true });

const words: Readonly<Record<Mark, string>> = {
  error: 'error',
  warning: 'warning',
  info: 'note',
  passed: 'in order',
  unknown: 'not known',
  crashed: 'crashed',
  none: 'none',
};

/** The shape of a mark, as the screen shows it. */
export function sign(mark: Mark): string {
  return ink.mark(mark);
}

/** A shape in its colour, and the word for whoever does not see either. */
export function spokenSign(mark: Mark): Markup {
  return html`<span class="${mark}" role="img" aria-label="${words[mark]}">${sign(mark)}</span>`;
}
