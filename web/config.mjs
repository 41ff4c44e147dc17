// What a deployment sets: the origin (and stage) of the API, without a slash at the end; "" is this page's own origin.
export const apiUrl = "";
