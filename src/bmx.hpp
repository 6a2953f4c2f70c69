#include "../include/bmx/bmx.hpp"  // where the header was in 0.1: programs compiled with -I src find it
