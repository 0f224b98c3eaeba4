"""Pictures: rendered faces and plots, without a display and without global state."""

import logging

# Where it cannot keep a cache it makes a temporary one and warns: that is nothing of the user's.
logging.getLogger("matplotlib").setLevel(logging.ERROR)
