// The font of the pictures, assets/fonts/roboto-subset.ttf as CMake embeds it.
#ifndef GS_PLOT_FONT_H
#define GS_PLOT_FONT_H

extern const unsigned char gs__font[];

#endif
