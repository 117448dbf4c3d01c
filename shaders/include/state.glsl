// The State as a uniform buffer, for kernels that only read it.
#ifndef GS_STATE_GLSL
#define GS_STATE_GLSL
#include "state.h"

layout(set = 0, binding = 4, std140) uniform STATE { gs_state state; };

#endif
