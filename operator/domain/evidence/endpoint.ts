/** One control plane has one text, however its endpoint is spelled: capitals, the default port, a slash. */
export function controlPlaneAt(endpoint: string): string {
  return URL.canParse(endpoint) ? new URL(endpoint).origin : endpoint;
}

/** Where a control plane is, and as whom it must show itself: behind one address there may be several. */
export const identityOf = (endpoint: string, serverName = ""): string => `${controlPlaneAt(endpoint)} ${serverName}`;
