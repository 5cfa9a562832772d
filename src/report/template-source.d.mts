export type TemplateFormat = 'html' | 'plain';

/** Whether a page of a format can be made of a template, named by its path in `templates/` without `.hbs`. */
export function isIn(format: TemplateFormat, name: string): boolean;

export function compilerOptions(
  format: TemplateFormat,
  name: string,
): { strict: boolean; noEscape: boolean; preventIndent: boolean };

/** The templates that a file holds, ready to be compiled, each with the text of the file that it is and the line where that begins. */
export function textsOf(name: string, content: string): { name: string; source: string; raw: string; line: number }[];
