// Package remedy has what several remedies say.
package remedy

// Move is for a site that should keep its sessions elsewhere. A new place is empty, and every user
// would be logged out.
const Move = "djsess takes the sessions along, as docs/moving/engines.md says"
