/* b64url: base64url without padding (RFC 4648, section 5), as JWTs use it. */
#ifndef SANDBOX_B64URL_H
#define SANDBOX_B64URL_H

#include "kit/buf.h"

void b64url_add(struct buf *out, const void *bytes, size_t len);
/* Appends the decoded bytes: 0, or -1 when the text is not base64url. */
int b64url_decode(struct span text, struct buf *out) MUST_CHECK;

#endif
