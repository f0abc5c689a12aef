/** What `tonumber` of LuaJIT takes for a number: decimal, hexadecimal, binary, infinity, not-a-number. */
const NUMBER =
  /^\s*[+-]?(0x[\da-f]*\.?[\da-f]*(p[+-]?\d+)?|0b[01]+|(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf(inity)?|nan)\s*$/i;
const WORD = /^(true|false|null|~|yes|no|on|off)$/i;

/**
 * Why a storage key cannot reach the gateway as `${{ENV}}`; undefined when it can. [M] The gateway retypes what it puts
 * in, even when quoted: `123` becomes a number, a 22-digit key 1.23e+20, `true` a boolean, and every request to the
 * store then fails with a signature error that explains nothing. `name` says which key; the value is never repeated.
 */
export function credentialProblem(name: string, value: string): string | undefined {
  if (value === "") return `${name} is empty: put the key's text there`;
  if (value.trim() !== value) {
    return `${name} begins or ends with white space or a line break: store it without (echo -n, not echo)`;
  }
  if (/[\r\n]/.test(value)) return `${name} has several lines: put the one key's text there`;
  if (NUMBER.test(value) || WORD.test(value)) {
    return `${name} would be read as a number, boolean or null by the gateway: create another key`;
  }
  return undefined;
}
