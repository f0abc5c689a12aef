/** One control plane has one text, however its endpoint is spelled: capitals, the default port, a slash. */
export function controlPlaneAt(endpoint: string): string {
  return URL.canParse(endpoint) ? new URL(endpoint).origin : endpoint;
}
