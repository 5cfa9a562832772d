/** Settings without what people wrote about them. */

/** What stands where a comment was. */
const LEFT_OUT = '# (comment left out)';

/**
 * Replaces comments of sysctl.d(5), modprobe.d(5) and modules-load.d(5): whole lines with `#` or `;`, and what follows a `#` with a blank
 * before it. Lines keep their numbers.
 */
export function withoutComments(text: string): string {
  return text.replace(
    /^([ \t]*)[#;][^\n]*|([ \t])#[^\n]*/gm,
    (_, indent: string | undefined, blank: string | undefined) =>
      blank === undefined ? `${indent ?? ''}${LEFT_OUT}` : `${blank}${LEFT_OUT}`,
  );
}
