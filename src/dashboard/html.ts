/** Text that is HTML already. Only {@link html} makes it. */
class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type { Html };

export type HtmlValue = string | number | undefined | Html | readonly Html[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * A template for HTML. Every value is escaped, but for what is HTML itself and lists of it; `undefined` is nothing.
 * Attributes are written in double quotes, so that no value can end one.
 */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(String.raw({ raw: strings }, ...values.map(rendered)));
}

function rendered(value: HtmlValue): string {
  if (value instanceof Html) {
    return value.text;
  }
  return isList(value) ? value.map(rendered).join('') : escaped(String(value ?? ''));
}

const isList = (value: HtmlValue): value is readonly Html[] => Array.isArray(value);

/** Control characters have no meaning in HTML, and some of them would turn the order of what is read around. */
function escaped(text: string): string {
  return text
    .replace(/(?![\t\n\r])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu, '\ufffd')
    .replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}
