/**
 * What no eye sees at the end of a text: white space of any width, the marks of no width that editors and messengers put
 * in, and those of direction that phones wrap round what is copied from a contact.
 */
const BLANK = /[\s\u200B-\u200F\u2028-\u202C\u2060-\u2069\uFEFF]/;

/** The text without the spaces and tabs before and after it: trim() would take away a byte order mark, and more that is part of it. */
export function trimSpaces(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, '');
}

/** The text without the blanks before and after it, in linear time: a regular expression would try from every blank within. */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && BLANK.test(text.charAt(start))) start++;
  while (end > start && BLANK.test(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}
