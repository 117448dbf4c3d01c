// Text of others within HTML.
#ifndef GS_BASE_HTML_H
#define GS_BASE_HTML_H

#include "base/text.h"

// For text and for attributes in quotes. Control characters become spaces; NULL is nothing.
void gs__html_append(gs__text *out, const char *text);

#endif
