// What a deployment sets. Whether the organiser's catalogue has the events; if not, whatever event is named is taken.
export const managed = false;
// The origin (and stage) of the API, without a slash at the end; "" is this page's own origin.
export const apiUrl = "";
// The languages that the site has, each by its own name.
export const languages = { "en": "English" };
