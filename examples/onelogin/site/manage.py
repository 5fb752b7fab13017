"""Django's command line, for this site: manage.py shell, manage.py createsuperuser, …"""

import os
import sys

from django.core.management import execute_from_command_line

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
execute_from_command_line(sys.argv)
