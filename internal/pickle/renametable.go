package pickle

// What Python 3 knows to have another name than in Python 2, as of its module _compat_pickle: the name in Python 2, and the name now.

const renamedModules = `
	BaseHTTPServer http.server
	ConfigParser configparser
	Cookie http.cookies
	Dialog tkinter.dialog
	HTMLParser html.parser
	Queue queue
	ScrolledText tkinter.scrolledtext
	SimpleXMLRPCServer xmlrpc.server
	SocketServer socketserver
	Tix tkinter.tix
	Tkconstants tkinter.constants
	Tkdnd tkinter.dnd
	Tkinter tkinter
	__builtin__ builtins
	_abcoll collections.abc
	_winreg winreg
	anydbm dbm
	commands subprocess
	cookielib http.cookiejar
	copy_reg copyreg
	dbhash dbm.bsd
	dbm dbm.ndbm
	dumbdbm dbm.dumb
	dummy_thread _dummy_thread
	gdbm dbm.gnu
	htmlentitydefs html.entities
	httplib http.client
	markupbase _markupbase
	repr reprlib
	robotparser urllib.robotparser
	test.test_support test.support
	thread _thread
	tkColorChooser tkinter.colorchooser
	tkCommonDialog tkinter.commondialog
	tkFileDialog tkinter.filedialog
	tkFont tkinter.font
	tkMessageBox tkinter.messagebox
	tkSimpleDialog tkinter.simpledialog
	ttk tkinter.ttk
	urllib2 urllib.request
	urlparse urllib.parse
	xmlrpclib xmlrpc.client
`

// These are read and never written: something else has their name the other way.
const mergedModules = `
	CGIHTTPServer http.server
	DocXMLRPCServer xmlrpc.server
	FileDialog tkinter.filedialog
	SimpleDialog tkinter.simpledialog
	SimpleHTTPServer http.server
	StringIO io
	UserDict collections
	UserList collections
	UserString collections
	_elementtree xml.etree.ElementTree
	cPickle pickle
	cStringIO io
	whichdb dbm
`

// Single things that went elsewhere than their modules did.
const renamedNames = `
	UserDict:IterableUserDict collections:UserDict
	UserList:UserList collections:UserList
	UserString:UserString collections:UserString
	__builtin__:intern sys:intern
	__builtin__:long builtins:int
	__builtin__:reduce functools:reduce
	__builtin__:unichr builtins:chr
	__builtin__:unicode builtins:str
	__builtin__:xrange builtins:range
	_multiprocessing:Connection multiprocessing.connection:Connection
	_socket:fromfd socket:fromfd
	itertools:ifilter builtins:filter
	itertools:ifilterfalse itertools:filterfalse
	itertools:imap builtins:map
	itertools:izip builtins:zip
	itertools:izip_longest itertools:zip_longest
	multiprocessing.forking:Popen multiprocessing.popen_fork:Popen
	multiprocessing.process:Process multiprocessing.context:Process
	urllib:ContentTooShortError urllib.error:ContentTooShortError
	urllib:getproxies urllib.request:getproxies
	urllib:pathname2url urllib.request:pathname2url
	urllib:quote urllib.parse:quote
	urllib:quote_plus urllib.parse:quote_plus
	urllib:unquote urllib.parse:unquote
	urllib:unquote_plus urllib.parse:unquote_plus
	urllib:url2pathname urllib.request:url2pathname
	urllib:urlcleanup urllib.request:urlcleanup
	urllib:urlencode urllib.parse:urlencode
	urllib:urlopen urllib.request:urlopen
	urllib:urlretrieve urllib.request:urlretrieve
	urllib2:HTTPError urllib.error:HTTPError
	urllib2:URLError urllib.error:URLError
	whichdb:whichdb dbm:whichdb
`

const mergedNames = `
	UserDict:UserDict collections:UserDict
	__builtin__:basestring builtins:str
	exceptions:StandardError builtins:Exception
	socket:_socketobject socket:SocketType
`

// Classes of Python 2's module exceptions that became builtins.
const movedExceptions = `
	ArithmeticError AssertionError AttributeError BaseException BufferError BytesWarning DeprecationWarning
	EOFError EnvironmentError Exception FloatingPointError FutureWarning GeneratorExit IOError ImportError
	ImportWarning IndentationError IndexError KeyError KeyboardInterrupt LookupError MemoryError NameError
	NotImplementedError OSError OverflowError PendingDeprecationWarning ReferenceError RuntimeError RuntimeWarning
	StopIteration SyntaxError SyntaxWarning SystemError SystemExit TabError TypeError UnboundLocalError
	UnicodeDecodeError UnicodeEncodeError UnicodeError UnicodeTranslateError UnicodeWarning UserWarning ValueError
	Warning ZeroDivisionError
`

// Classes of multiprocessing that are in multiprocessing.context now.
const movedProcessErrors = `
	AuthenticationError BufferTooShort ProcessError TimeoutError
`
