import { DIGEST_SHOWN } from "../../api/names.ts";

/** As people see a digest, and as keys in the store carry it. */
export const short = (digest: string): string => digest.replace(/^sha256:/, "").slice(0, DIGEST_SHOWN);
