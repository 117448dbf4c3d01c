// The push constants that epilogue.glsl uses. Include this before the kernel's push-constant block, name EPILOGUE_PUSH
// among its members, and include epilogue.glsl behind it.
#ifndef GS_EPILOGUE_PUSH_GLSL
#define GS_EPILOGUE_PUSH_GLSL

#define EPILOGUE_PUSH                                                                                         \
    float epilogue_alpha;    /* of the activation */                                                          \
    float epilogue_scale;    /* 1 / (1 - rate) */                                                             \
    uint epilogue_threshold; /* an element is dropped when its random word is below rate * 2^32 */            \
    uint epilogue_key;       /* of the dropout layer */

#endif
