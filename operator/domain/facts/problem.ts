/** Bad input found while the configuration was rendered: says which field, which value, what to do. */
export interface Problem {
  reason: string;
  field: string;
  message: string;
}
