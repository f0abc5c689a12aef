/** A row of reasons.ts: what the word means, and what a person can do. */
export const reason = (meaning: string, todo = "Nothing.") => ({ meaning, todo });
